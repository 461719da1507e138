"""Tables as LaTeX, with the packages booktabs, textcomp and graphicx."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.report.tables.text_table import TextTable

HEAD = "% Made by vissl_monoimage's monoimage report. Needs \\usepackage{booktabs,textcomp,graphicx}.\n"
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "†": r"\textdagger{}",
        "‡": r"\textdaggerdbl{}",
        "§": r"\S{}",
        "¶": r"\P{}",
        "±": r"$\pm$",
        **{special: f"\\{special}" for special in "&%$#_{}"},
    }
)


def tables_as_latex(tables: Sequence[TextTable]) -> str:
    """Return a LaTeX file with a `table` each, captioned with its title and notes, and no wider than the text."""
    return "\n".join([HEAD, *map(_table, tables)])


def escape(text: str) -> str:
    """Return text, on one line, with LaTeX's special characters escaped."""
    return " ".join(text.split()).translate(_ESCAPES)


def _table(table: TextTable) -> str:
    columns = "".join("r" if column in table.numeric else "l" for column in range(len(table.header)))
    caption = escape(" ".join([f"{table.title}.", *table.notes]))
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            # Shrinks a table wider than the text, and never enlarges one.
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _row(table.header),
            r"\midrule",
            *map(_row, table.rows),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Sequence[str]) -> str:
    # {}: LaTeX would read a cell that begins with [ as an option of the \\ before it.
    return "{}" + " & ".join(map(escape, cells)) + r" \\"
