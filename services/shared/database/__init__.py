"""PostgreSQL: a pool that tells an outage from a fault, named SQL blocks, migrations."""
