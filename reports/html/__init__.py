"""report.html: one page with everything, in one file that opens from disk and asks no network.

Overview by area and engine, what is unexpected, then every behaviour with its program, its verdicts and its findings.
Beside it, where there is something to show: derivatives.html, the rows of derivative tables as in a handbook;
disagreements.html, where documents and engine disagree, and coverage.html, which clauses of the documents have a spec.
mutation.html is made of another record, that of `harness mutate`; matrix.html of what `harness matrix` found.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.matrix import Matrix, Place
from harness.mutation.record import MutationRecord
from harness.record import STATUS_MEANING, Run
from harness.summary import SYMBOLS, Group
from harness.values import inline, printable

from . import handbook, matrix, view
from .documents import Documents
from .handbook import Handbook
from .highlight import highlight
from .mutation import Mutation

FOLDER = Path(__file__).parent


def render(runs: Sequence[Run]) -> dict[str, str]:
    environment = _environment()
    style, script = (Markup((FOLDER / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js"))
    digest = b64encode(sha256(script.encode()).digest()).decode()
    page = view.page(runs)
    documents = Documents(page)
    book = Handbook(page)
    about = {"page": page, "documents": documents, "handbook": book}
    about |= {"style": style, "script": script, "script_digest": digest}
    wanted = ["report.html"]
    wanted += [handbook.FILE] if book.tables else []
    wanted += ["disagreements.html"] if documents.disagreements else []
    wanted += ["coverage.html"] if documents.known else []
    return {name: environment.get_template(f"{name}.j2").render(about) + "\n" for name in wanted}


def render_mutation(record: MutationRecord) -> dict[str, str]:
    """The page of `harness mutate`."""
    style = Markup((FOLDER / "report.css").read_text(encoding="utf-8"))
    page = _environment().get_template("mutation.html.j2").render(page=Mutation(record), style=style)
    return {"mutation.html": page + "\n"}


def render_matrix(found: Matrix, places: Mapping[str, Place]) -> dict[str, str]:
    """The page of `harness matrix`."""
    style, own_style = (Markup((FOLDER / name).read_text(encoding="utf-8")) for name in ("report.css", "matrix.css"))
    environment = _environment()
    environment.globals.update(
        page=matrix.Page(found, places),
        NOTES=matrix.NOTES,
        note_style=matrix.note_style,
        expected=matrix.expected,
        observed=matrix.observed,
        standing=matrix.standing,
        moved=matrix.moved,
        changes=matrix.changes,
        MOST_CHANGES=matrix.MOST_CHANGES,
    )
    text = environment.get_template("matrix.html.j2").render(style=style, own_style=own_style)
    return {"matrix.html": text + "\n"}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters.update(highlight=highlight, inline=inline)
    environment.tests["web_link"] = _is_web_link
    environment.globals.update(
        view=view,
        SYMBOLS=SYMBOLS,
        Group=Group,
        STATUS_MEANING=STATUS_MEANING,
    )
    return environment


def _printable(value: Any) -> Any:
    """Every text that is no markup of ours loses its control characters; escaping follows by itself."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_web_link(words: str) -> bool:
    """Nothing but http and https becomes a link: records come from strangers."""
    return words.startswith(("https://", "http://")) and not any(c.isspace() for c in words)
