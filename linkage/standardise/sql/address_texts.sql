-- Each distinct text, cleaned: half-width, no blanks, one sign for each thing. A text that says "as registered", or nothing, is none.
CREATE OR REPLACE TEMP TABLE address_texts AS
WITH folded AS (
    SELECT text, upper(regexp_replace(
        translate(text, '０１２３４５６７８９－—–﹣−―~～＃（）［］【】〔〕　：ＡＢＣＤＥＦＧＨａｂｃｄｅｆｇｈ', '0123456789--------#()()()() :ABCDEFGHABCDEFGH'),
        '[\s\x{200B}-\x{200F}\x{2060}\x{FEFF}]+', '', 'g')) AS folded
    FROM (SELECT DISTINCT text FROM address_inputs WHERE text IS NOT NULL)
), bare AS (
    -- What stands in brackets is a remark, unless it holds a number (5幢(2单元)301).
    SELECT text, folded, regexp_replace(regexp_replace(regexp_replace(folded, '\([^()0-9]*\)', '', 'g'),
        '-{2,}', '-', 'g'), '[(),，。;；:、."''?？*]', '', 'g') AS cleaned
    FROM folded
)
SELECT text, CASE WHEN regexp_full_match(folded, '[与同和]?(现住|户籍|户口|身份证)?(所在)?(地|地址|住址)?(同上|同左|一致|相同|同前)|(现?居?住(地|址|地址)|现住)?[与和]?同(户籍|户口|户|身份证)(所在)?(地|地址|住址|登记地址?)?|同(上|左|前)(地址)?') THEN 'as registered'
            WHEN cleaned = '' OR cleaned IN (SELECT word FROM address_missing_words) OR NOT regexp_matches(cleaned, '[0-9\p{Han}]{2}') THEN 'none' ELSE 'address' END AS said,
       cleaned FROM bare;

-- Han numerals before a marker: rewritten by Python, over these distinct texts alone.
CREATE OR REPLACE TEMP TABLE address_numerals AS
SELECT DISTINCT cleaned AS text FROM address_texts WHERE said = 'address' AND regexp_matches(cleaned, '[〇零○一二三四五六七八九十百](号|幢|栋|座|单元|室|村民|小组|组|社|队|层|楼|弄)|[1-9](社区|[区期村苑])');
