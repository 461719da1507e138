"""What a report is written as: terminal, Markdown, LaTeX, CSV and an HTML page."""
