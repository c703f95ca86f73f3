-- Rules of GB 11643-1999 (and of the documents that share its check character), each written once.

-- Check character of the first 17 digits: weights 7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2, modulo 11.
CREATE OR REPLACE TEMP MACRO check_character(digits17) AS substr('10X98765432', 1 + CAST((
      7 * (digits17 // 10000000000000000) + 9 * (digits17 // 1000000000000000 % 10)
    + 10 * (digits17 // 100000000000000 % 10) + 5 * (digits17 // 10000000000000 % 10)
    + 8 * (digits17 // 1000000000000 % 10) + 4 * (digits17 // 100000000000 % 10)
    + 2 * (digits17 // 10000000000 % 10) + (digits17 // 1000000000 % 10)
    + 6 * (digits17 // 100000000 % 10) + 3 * (digits17 // 10000000 % 10)
    + 7 * (digits17 // 1000000 % 10) + 9 * (digits17 // 100000 % 10)
    + 10 * (digits17 // 10000 % 10) + 5 * (digits17 // 1000 % 10)
    + 8 * (digits17 // 100 % 10) + 4 * (digits17 // 10 % 10)
    + 2 * (digits17 % 10)) AS BIGINT) % 11, 1);

-- The date in eight digits, null when there is no such day.
CREATE OR REPLACE TEMP MACRO real_date(digits8) AS CAST(try_strptime(digits8, '%Y%m%d') AS DATE);

-- A person may have been born on that day: not after the night, at most 125 years before it.
CREATE OR REPLACE TEMP MACRO possible_birth(day, night) AS
    coalesce(day <= night AND day >= night - INTERVAL 125 YEAR, false);

-- True when every character is the same.
CREATE OR REPLACE TEMP MACRO one_character(t) AS t <> '' AND replace(t, left(t, 1), '') = '';

-- 15 digits -> 18: century 19, or 18 for the sequences 996-999 that were kept for people over 100.
CREATE OR REPLACE TEMP MACRO seventeen_of_fifteen(t) AS
    left(t, 6) || CASE WHEN right(t, 3) >= '996' THEN '18' ELSE '19' END || substr(t, 7, 9);

-- Sex from the 17th digit: odd male (1), even female (2).
CREATE OR REPLACE TEMP MACRO sex_of_digit(t) AS CASE
    WHEN t BETWEEN '0' AND '9' THEN CASE WHEN TRY_CAST(t AS INTEGER) % 2 = 1 THEN '1' ELSE '2' END END;
