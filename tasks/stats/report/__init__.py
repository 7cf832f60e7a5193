"""What people and machines are shown of a comparison: tables, charts, a page, JSON."""
