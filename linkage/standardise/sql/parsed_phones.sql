-- $placeholders: path of the CSV file of numbers that mean nothing.
CREATE OR REPLACE TEMP TABLE phone_placeholders AS SELECT phone FROM read_csv($placeholders, all_varchar = true);

CREATE OR REPLACE TEMP TABLE parsed_phones AS
WITH cleaned AS (
    -- Full-width digits to half-width; an area code loses its brackets, a remark goes with them, an extension and Excel's .0 go;
    -- what separates two numbers becomes a semicolon.
    SELECT text,
           regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
               translate(text, '０１２３４５６７８９＋－（）　／；，', '0123456789+-() /;,'),
               '\((0[0-9]{2,3})\)', '\1', 'g'), '\([^)]*\)', '', 'g'),
               '([0-9]{7})\s*(?:转|分机|-)\s*[0-9]{1,5}(?:$|[^0-9])|\.0+$', '\1;', 'g'),
               '[、，,;/\|]+|或|和', ';', 'g'), '([0-9]{11})\s+([0-9]{3,})', '\1;\2', 'g') AS list
    FROM phone_inputs
), parts AS (
    SELECT text, position, regexp_replace(regexp_replace(part, '[^0-9+]', '', 'g'), '^(\+86|0086|86)([01])', '\2') AS digits
    FROM (SELECT text, unnest(string_split(list, ';')) AS part, generate_subscripts(string_split(list, ';'), 1) AS position FROM cleaned)
), usable AS (
    SELECT text, position, digits FROM parts
    WHERE regexp_full_match(digits, '1[3-9][0-9]{9}|0(10|2[0-9])[2-9][0-9]{7}|0[3-9][0-9]{2}[2-9][0-9]{6,7}')
      AND digits NOT IN (SELECT phone FROM phone_placeholders)
      AND NOT regexp_matches(digits, '0{8}|1{8}|2{8}|3{8}|4{8}|5{8}|6{8}|7{8}|8{8}|9{8}')
), listed AS (
    SELECT text, list(digits ORDER BY position) AS phones FROM (SELECT text, digits, min(position) AS position FROM usable GROUP BY ALL) GROUP BY text
)
SELECT i.text, coalesce(l.phones, []) AS phones FROM phone_inputs i LEFT JOIN listed l USING (text);
