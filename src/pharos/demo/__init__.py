"""A small shop that lives in this process and sends what it does: for who has nothing to send yet."""
