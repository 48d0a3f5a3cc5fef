"""From answers and truth to tables, intervals and pages."""
