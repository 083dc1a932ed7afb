"""`python -m services.operator` is the `tierlink` program."""

from services.shared.lifecycle.collector import uncollected

with uncollected():
    from services.operator.main import app

if __name__ == "__main__":
    app(prog_name="tierlink")
