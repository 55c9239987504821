"""The figures of a report: each file draws one kind, as SVG with a title and a description, or as the cells of a table."""
