"""What those who work on the project run; not shipped."""
