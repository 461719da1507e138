"""Tables as LaTeX, for the packages booktabs, textcomp and graphicx."""

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
        "±": r"$\pm$",
        **{special: f"\\{special}" for special in "&%$#_{}"},
    }
)


def tables_as_latex(tables: Sequence[TextTable]) -> str:
    """A file to \\input: one LaTeX `table` each, its title and notes as the caption, no wider than the text."""
    return "\n".join([HEAD, *map(_table, tables)])


def escape(text: str) -> str:
    """Text as LaTeX prints it, on one line."""
    return " ".join(text.split()).translate(_ESCAPES)


def _table(table: TextTable) -> str:
    columns = "".join("r" if column in table.numeric else "l" for column in range(len(table.header)))
    caption = escape(" ".join([f"{table.title}.", *table.notes]))
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            # Shrunk to the text's width where it is wider, never enlarged.
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
    # {}: a cell that begins with [ would be read as an option of the \\ before it.
    return "{}" + " & ".join(map(escape, cells)) + r" \\"
