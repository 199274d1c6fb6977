"""HTML that no value can break (html/template): each action is escaped for where it stands.

`context` says where one can stand, `transitions` where the text of a template leads, `escapers` what is done
to a value there, `escape` goes through templates and decides.
"""
