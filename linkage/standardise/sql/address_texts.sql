-- Each distinct text, cleaned: half-width, no blanks or brackets, one sign for each thing.
CREATE OR REPLACE TEMP TABLE address_texts AS
SELECT text,
       regexp_replace(regexp_replace(regexp_replace(
           translate(text, '０１２３４５６７８９－—–﹣＃（）　ＡＢＣＤＥＦ', '0123456789----#() ABCDEF'),
           '[\s\x{200B}\x{FEFF}]+', '', 'g'), '\([^)]*\)', '', 'g'), '[,，。；;、]', '', 'g') AS cleaned
FROM (SELECT DISTINCT text FROM address_inputs WHERE text IS NOT NULL AND NOT regexp_matches(text, '^\s*同'));
