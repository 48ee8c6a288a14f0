"""The hosts in a database URL: each gets its own time limit, since the first may hang."""

from urllib.parse import parse_qsl, urlencode, urlsplit


def each_host(url: str) -> list[str]:
    """One URL per host, in the order of the hosts; the URL itself if it has only one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]  # several addresses in brackets, or a URL that the driver will refuse
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    netloc = parts.netloc.rpartition("@")[2]
    if "host" not in query:
        before, after = url.split(parts.netloc, 1) if parts.netloc else (url, "")
        user = parts.netloc.removesuffix(netloc)
        return [f"{before}{user}{host}{after}" for host in netloc.split(",")]
    hosts, ports = query["host"].split(","), query.get("port", "").split(",")
    if len(hosts) == 1 or len(ports) not in (1, len(hosts)):
        return [url]
    if len(ports) == 1:
        ports *= len(hosts)
    named = [query | {"host": host, "port": port} for host, port in zip(hosts, ports, strict=True)]
    before = url.partition("?")[0]
    return [f"{before}?{urlencode({k: v for k, v in each.items() if v})}" for each in named]
