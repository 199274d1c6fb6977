"""Whether things are well: checks that are made again and again, what they say of components, status pages.

`check` is what can be checked, `probes` looks, `standing` decides what a look means, `monitor` does it on
time and keeps it, `components` makes the health of a system of it, `status_page` shows a part of that to
everybody.
"""
