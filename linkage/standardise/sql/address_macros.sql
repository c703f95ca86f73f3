-- A name from a column: half-width, no blanks; null when empty.
CREATE OR REPLACE TEMP MACRO address_name(name) AS
    nullif(regexp_replace(translate(name, '０１２３４５６７８９（）', '0123456789()'), '[\s\x{200B}-\x{200F}\x{FEFF}]+', '', 'g'), '');

-- 翠苑1区 is 翠苑一区: a single digit before 区, 期, 村, 苑 is written as a numeral in a name.
CREATE OR REPLACE TEMP MACRO estate_name(name) AS
    CASE WHEN regexp_matches(name, '^[^0-9]+[1-9][区期村苑]') THEN translate(name, '123456789', '一二三四五六七八九') ELSE name END;

-- A building, unit or room number without its sign and leading zeros; null when nothing is left.
CREATE OR REPLACE TEMP MACRO plain_number(number, sign) AS
    nullif(ltrim(upper(regexp_replace(translate(number, '０１２３４５６７８９－', '0123456789-'), '[\s]+|' || sign || '$', '', 'g')), '0'), '');
