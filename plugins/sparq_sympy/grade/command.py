"""The command `sparq grade`: answer checks for any file of solutions, without a run."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--problem-column", default="problem", show_default=True, help="Shown where a row cannot be graded.")
@click.option(
    "--answer-column", default="answer", show_default=True, help="The reference: an answer, or a solution with one."
)
@click.option(
    "--solution-column", default="solution", show_default=True, help="The solution to grade, or a list of them."
)
@click.option("--bare", is_flag=True, help="The solution column has only answers, not solutions that end in one.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows with their verdicts to this file."
)
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the plugin sympy; repeatable."
)
@click.option("--explain", nargs=2, metavar="GOLD ANSWER", help="Explain one verdict instead of grading a file.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def grade(
    file: Path | None,
    problem_column: str,
    answer_column: str,
    solution_column: str,
    bare: bool,
    out: Path | None,
    options: tuple[str, ...],
    explain: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """
    Grade the solutions in FILE, JSON lines, plain or gzipped; report verdicts by reason.

    With --explain, show how one answer compares with one reference.
    """
    from sparq_sympy.grade import rows
    from sparq_sympy.grade.explain import explained, show

    plugin = rows.checker(options)
    try:
        if explain:
            found = explained(plugin, *explain)
            click.echo(json.dumps(found, indent=2)) if as_json else show(found)
        elif file is None:
            raise click.UsageError("name a FILE to grade, or use --explain GOLD ANSWER")
        else:
            columns = rows.Columns(problem_column, answer_column, solution_column, bare)
            reasons = rows.grade(plugin, file, columns, out)
            click.echo(json.dumps(rows.facts(reasons, out), indent=2)) if as_json else rows.show(reasons, out)
    finally:
        plugin.stop()
