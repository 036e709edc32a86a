"""Tables for people and programs outside: CSV and Parquet, with personal data hidden unless a role allows it."""
