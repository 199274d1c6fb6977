-- Which rows have an attribute with a short value or a word, so that they are counted without reading attributes:
-- what many rows share, as methods, states and environments are. The rest is left to the filter of values. The
-- expression stands in engine/sql.py too. Rows that are there get the index in the background.
ALTER TABLE logs ADD INDEX IF NOT EXISTS pairs arrayMap(p -> concat(p.1, '\0', p.2), arrayFilter(p -> length(p.2) <= 3 OR (length(p.2) <= 32 AND NOT match(p.2, '[0-9]')), arrayZip(mapKeys(attributes), mapValues(attributes)))) TYPE text(tokenizer = 'array');
ALTER TABLE logs MATERIALIZE INDEX pairs SETTINGS mutations_sync = 0;
