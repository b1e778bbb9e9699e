"""Between messages and values of the domain; pure."""
