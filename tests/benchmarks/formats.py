"""POST in each format of the ServiceStack-style face, and what the face itself costs."""

from contextlib import ExitStack
from functools import partial

from .load import CONNECTIONS, load
from .measure import Pace, interleaved
from .over_http import WARM_UP_S, Contender, measured, prepared
from .report import Comparison, table
from .services import core, sessionary
from .stage import Stage

FORMATS = ("json", "xml", "jsv", "csv")
AT_LEAST = 0.6
"""Of JSON's rate, for each other format."""
WITHOUT_FACE_AT_LEAST = 0.85
"""Of the core's rate, for JSON with negotiation and authentication: they cost 15 % at most."""


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with ExitStack() as running:
        ours = prepared(running.enter_context(sessionary(stage)), stage.folder)
        url = ours.service.database_url
        assert url is not None, "the service has a database"
        bare = Contender(running.enter_context(core(stage, url)), ours.ids_file)
        contenders = {name: (ours, name) for name in FORMATS} | {"core": (bare, "json")}
        for contender, format_ in contenders.values():
            load(contender.service.base_url, "POST", contender.ids_file, WARM_UP_S, format_)
        cells = {
            name: partial(measured, contender, "POST", pace.seconds, stage.postmaster, format_)
            for name, (contender, format_) in contenders.items()
        }
        runs = interleaved(cells, pace.rounds)
    comparisons = [
        Comparison(f"{name.upper()} POST against the JSON POST", AT_LEAST, runs[name], runs["json"])
        for name in FORMATS[1:]
    ]
    face = "JSON POST against the core without negotiation and authentication"
    comparisons.append(Comparison(face, WITHOUT_FACE_AT_LEAST, runs["json"], runs["core"]))
    return table(f"Formats over HTTP at {CONNECTIONS} connections, one worker", comparisons)
