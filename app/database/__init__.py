"""PostgreSQL: connections, migrations, rights, and the cluster that `serve` brings along."""
