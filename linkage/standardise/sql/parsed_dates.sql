-- One row per distinct (text, from_number_cell, format): the day, how precise it is, and why there is none.
-- problem: invalid (no such day, or not a date), future (after the night), filler (1900-01-01 and the like).
CREATE OR REPLACE TEMP TABLE parsed_dates AS
WITH spelled AS (
    SELECT text, from_number_cell, format,
        trim(translate(text, '０１２３４５６７８９／－．：　' || chr(160) || chr(9) || chr(10) || chr(13), '0123456789/-.:     ')) AS raw
    FROM date_inputs
),
numbered AS (
    -- Chinese numerals: digit by digit (一九八五年) or counted (十二月二十三日, 廿三, 初五); 农历 names of months.
    SELECT text, from_number_cell, format,
        regexp_matches(raw, '农历|阴历|古历|旧历') AS says_lunar,
        CASE WHEN NOT regexp_matches(raw, '[一二三四五六七八九十廿卅〇零正冬腊元初]') THEN raw ELSE
            regexp_replace(regexp_replace(regexp_replace(regexp_replace(
                translate(replace(replace(replace(replace(replace(raw, '正月', '1月'), '元月', '1月'), '冬月', '11月'), '腊月', '12月'), '初', ''),
                    '〇零○一二三四五六七八九廿卅', '000123456789' || 'ⅡⅢ'),
                '([1-9])十([1-9])', '\1\2', 'g'), '([1-9])十', '\10', 'g'), '十([1-9])', '1\1', 'g'), '十', '10', 'g')
        END AS s0
    FROM spelled
),
counted AS (
    SELECT text, from_number_cell, format, says_lunar,
        CASE WHEN strpos(s0, 'Ⅱ') = 0 AND strpos(s0, 'Ⅲ') = 0 THEN s0 ELSE
            replace(replace(regexp_replace(regexp_replace(s0, 'Ⅱ([1-9])', '2\1', 'g'), 'Ⅲ([1-9])', '3\1', 'g'), 'Ⅱ', '20'), 'Ⅲ', '30')
        END AS s
    FROM numbered
),
cut AS (
    -- Year, month, day as the form says. A form is tried only when those above it did not fit.
    SELECT text, from_number_cell, format, says_lunar, s,
        regexp_extract(s, '^[^0-9]*([0-9]{4})[^0-9]+([0-9]{1,2})(?:[^0-9]+([0-9]{1,2})(?:[^0-9].*)?)?[^0-9]*$', ['y', 'm', 'd']) AS long_form,
        regexp_extract(s, '^([0-9]{2})[年./-]([0-9]{1,2})[月./-]([0-9]{1,2})日?$', ['y', 'm', 'd']) AS short_year_form,
        regexp_extract(s, '^([0-9]{1,2})[/-]([0-9]{1,2})[/-]((?:19|20)[0-9]{2})(?: .*)?$', ['m', 'd', 'y']) AS month_first_form,
        CASE WHEN regexp_full_match(s, '[0-9]+(\.[0-9]+)?') THEN split_part(s, '.', 1) END AS digits
    FROM counted
),
told AS (
    SELECT text, from_number_cell, format, says_lunar, s, digits,
        CASE
            WHEN digits IS NOT NULL AND (format = 'excel' OR length(digits) = 5
                OR (length(digits) <= 4 AND strpos(s, '.') = 0 AND (TRY_CAST(digits AS INTEGER) BETWEEN 2200 AND 9999))) THEN 'serial'
            WHEN regexp_full_match(s, '(1[89]|20)[0-9]{2}\.[0-9]{1,2}') THEN 'long'
            WHEN digits IS NOT NULL AND strpos(s, '.') > 0 THEN 'serial'
            WHEN length(digits) IN (8, 12, 14, 17) THEN 'compact'
            WHEN length(digits) = 6 AND (format = 'year_month' OR left(digits, 2) IN ('18', '19', '20') AND substr(digits, 5, 2) <= '12') THEN 'compact'
            WHEN length(digits) = 6 THEN 'compact_short_year'
            WHEN length(digits) = 4 OR regexp_full_match(s, '[0-9]{4}年[^0-9]*') THEN 'year'
            WHEN long_form.y <> '' THEN 'long'
            WHEN short_year_form.y <> '' THEN 'short_year'
            WHEN month_first_form.y <> '' THEN 'month_first'
            WHEN regexp_matches(s, '[A-Za-z]') THEN 'english'
            ELSE 'none'
        END AS form,
        CASE form
            WHEN 'compact' THEN rpad(left(digits, 8), 8, '0')
            WHEN 'compact_short_year' THEN '__' || digits
            WHEN 'year' THEN left(s, 4) || '0000'
            WHEN 'long' THEN CASE WHEN long_form.y <> ''
                THEN lpad(long_form.y, 4, '0') || lpad(long_form.m, 2, '0') || lpad(coalesce(nullif(long_form.d, ''), '0'), 2, '0')
                ELSE left(s, 4) || lpad(split_part(s, '.', 2), 2, '0') || '00' END
            WHEN 'short_year' THEN '__' || short_year_form.y || lpad(short_year_form.m, 2, '0') || lpad(short_year_form.d, 2, '0')
            WHEN 'month_first' THEN month_first_form.y || CASE WHEN TRY_CAST(month_first_form.m AS INTEGER) > 12
                THEN lpad(month_first_form.d, 2, '0') || lpad(month_first_form.m, 2, '0')
                ELSE lpad(month_first_form.m, 2, '0') || lpad(month_first_form.d, 2, '0') END
            WHEN 'serial' THEN CASE WHEN TRY_CAST(digits AS INTEGER) BETWEEN 61 AND 80000
                THEN strftime(DATE '1899-12-30' + least(TRY_CAST(digits AS INTEGER), 80000), '%Y%m%d') END
            WHEN 'english' THEN strftime(try_strptime(s, ['%d-%b-%y', '%d-%b-%Y', '%d %b %Y', '%b %d, %Y', '%b %d %Y', '%d-%B-%Y', '%a %b %d %H:%M:%S %Y']), '%Y%m%d')
        END AS eight0
    FROM cut
),
centuries AS (
    -- A two-digit year is the latest one that is not after the night.
    SELECT * EXCLUDE (eight0),
        CASE WHEN left(eight0, 2) <> '__' THEN eight0
             WHEN '20' || substr(eight0, 3) <= strftime($night, '%Y%m%d') THEN '20' || substr(eight0, 3)
             ELSE '19' || substr(eight0, 3) END AS eight
    FROM told
),
dated AS (
    -- Month 00 leaves the year, day 00 leaves the month; every other impossible day is an error.
    SELECT *,
        CASE WHEN substr(eight, 5, 2) = '00' THEN 'year' WHEN right(eight, 2) = '00' THEN 'month' ELSE 'day' END AS fineness,
        CAST(try_strptime(CASE fineness
            WHEN 'year' THEN left(eight, 4) || '0101' WHEN 'month' THEN left(eight, 6) || '01' ELSE eight END, '%Y%m%d') AS DATE) AS day
    FROM centuries
),
judged AS (
    SELECT *,
        CASE
            WHEN upper(s) IN (SELECT word FROM missing_words) OR regexp_full_match(s, '[0\-/.年月日: ]*') THEN 'missing'
            WHEN day IN (SELECT day FROM date_fillers) OR (fineness <> 'day' AND left(eight, 4) IN (SELECT year FROM filler_years) AND substr(eight, 5, 2) <= '01') THEN 'filler'
            WHEN day IS NULL OR day < DATE '1850-01-01' THEN 'invalid'
            WHEN day > $night THEN 'future'
        END AS problem
    FROM dated
)
SELECT text, from_number_cell, format, says_lunar,
    CASE WHEN problem IS NULL THEN day END AS day,
    CASE WHEN problem IS NULL THEN fineness END AS fineness,
    problem
FROM judged;
