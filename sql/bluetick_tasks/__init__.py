"""Tasks on a schedule over Athena: the report as a page, alerts for the business, and lists of people as CSV."""
