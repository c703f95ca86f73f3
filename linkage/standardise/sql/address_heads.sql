-- What stands before the first digit is read once per distinct head; what follows once per distinct text (address_elements).
CREATE OR REPLACE TEMP TABLE address_split AS
SELECT t.text, coalesce(n.arabic, t.cleaned) AS cleaned, regexp_extract(coalesce(n.arabic, t.cleaned), '^[^0-9A-Z]*') AS head
FROM address_texts t LEFT JOIN arabic_numerals n ON n.text = t.cleaned WHERE t.said = 'address';

CREATE OR REPLACE TEMP TABLE address_heads AS SELECT DISTINCT head AS text FROM address_split;

-- Divisions that a department gives in columns of their own.
CREATE OR REPLACE TEMP TABLE address_columns AS
SELECT DISTINCT nullif(concat(province, city, county), '') AS text FROM address_inputs;
