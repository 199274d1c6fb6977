"""The text of a query: tokens, tree, types, functions, and the tree as text again."""
