-- One row per distinct (text, from_number_cell, declared_kind): the number as far as the text alone can tell it.
-- Grades (linkage/standardise/RULES.md): A good; B good, unknown area; D 15 digits; E damaged or masked;
-- F wrong; X placeholder. Grade C needs the record's own sex and birth date and is given in common_records.sql.
CREATE OR REPLACE TEMP TABLE parsed_identities AS
WITH spelled AS (
    -- Full-width to ASCII, signs that stand for a hidden character to *, everything that is not part of a number away
    -- (blanks, apostrophes, hyphens, brackets, labels).
    SELECT text, from_number_cell, declared_kind,
        CASE WHEN regexp_full_match(text, '[0-9]{17}[0-9X]') THEN text
             ELSE regexp_replace(upper(translate(text,
                '０１２３４５６７８９ＸｘＨＭＥＧＤＰ×✕хХ．，＋＊＃●○■□﹡∗?？_＿',
                '0123456789XXHMEGDPXXXX.,+****************')), '[^0-9A-Z*.,+]', '', 'g')
        END AS t
    FROM identity_inputs
),
expanded AS (
    -- What spreadsheets do to numbers: 3.3E+17, thousands separators, ".0". significant_digits counts the digits that can be trusted.
    SELECT text, from_number_cell, declared_kind,
        CASE
            WHEN scientific THEN rpad(mantissa, exponent + 1, '0')
            WHEN regexp_full_match(t, '[0-9]{1,3}(,[0-9]{3})+(\.0*)?') THEN replace(split_part(t, '.', 1), ',', '')
            WHEN regexp_full_match(t, '[0-9]+\.0*') THEN split_part(t, '.', 1)
            -- 17 digits and one *: the X of a keyboard without X, or a hidden check character.
            WHEN regexp_full_match(t, '[0-9]{17}\*') AND check_character(TRY_CAST(left(t, 17) AS BIGINT)) = 'X' THEN left(t, 17) || 'X'
            WHEN strpos(t, 'XXX') > 0 THEN replace(t, 'X', '*')
            ELSE regexp_replace(t, '[.,+]', '', 'g')
        END AS t,
        CASE
            WHEN scientific AND (from_number_cell OR length(mantissa) >= 12) THEN 15
            WHEN scientific THEN length(mantissa) - 1
            WHEN from_number_cell THEN 15
            ELSE 99
        END AS significant_digits
    FROM (
        SELECT *, regexp_full_match(t, '[0-9](\.[0-9]+)?E\+?[0-9]{2}') AS scientific,
            replace(split_part(t, 'E', 1), '.', '') AS mantissa,
            TRY_CAST(replace(split_part(t, 'E', 2), '+', '') AS INTEGER) AS exponent
        FROM spelled
    )
),
carded AS (
    -- A 20-character disability card is the identity number, kind 1-7 and level 1-4.
    SELECT text, from_number_cell, declared_kind, significant_digits,
        regexp_full_match(t, '[0-9]{17}[0-9X][1-7][1-4](B[0-9]?)?') AS is_disability_card,
        CASE WHEN is_disability_card THEN substr(t, 19, 1) END AS disability_kind,
        CASE WHEN is_disability_card THEN substr(t, 20, 1) END AS disability_level,
        CASE WHEN is_disability_card THEN left(t, 18) ELSE t END AS t
    FROM expanded
),
measured AS (
    SELECT *,
        length(t) AS n,
        regexp_full_match(t, '[0-9]{17}[0-9X]') AS is_18,
        regexp_full_match(t, '[0-9]{15}') AS is_15,
        CASE WHEN is_18 THEN TRY_CAST(left(t, 17) AS BIGINT) WHEN is_15 THEN TRY_CAST(seventeen_of_fifteen(t) AS BIGINT) END AS digits17,
        CASE WHEN is_18 OR is_15 THEN check_character(digits17) END AS expected_check,
        CASE WHEN is_18 THEN real_date(substr(t, 7, 8)) WHEN is_15 THEN real_date(substr(CAST(digits17 AS VARCHAR), 7, 8)) END AS day,
        is_18 AND expected_check = right(t, 1) AS check_holds,
        regexp_full_match(t, '[0-9X]*\*[0-9X*]*') AND length(replace(t, '*', '')) >= 6 AS is_masked
    FROM carded
),
damaged AS (
    SELECT *,
        is_18 AND (significant_digits < 18 OR (NOT check_holds AND right(t, 3) = '000' AND day IS NOT NULL
            AND left(t, 6) IN (SELECT code FROM known_areas))) AS is_damaged,
        -- Placeholders: nothing left, one character, area and nothing, sequence 000, known test numbers. A number that
        -- ends in 0000 is Excel's work unless it says 1 January, which is what people type to get past a form.
        t = '' OR n < 4 OR one_character(t) OR t IN (SELECT number FROM placeholder_numbers)
            OR (n = 18 AND ((significant_digits >= 18 AND one_character(substr(t, 7)))
                OR (significant_digits >= 18 AND substr(t, 15, 3) = '000' AND (check_holds OR day IS NULL OR substr(t, 11, 4) = '0101'))))
            OR (is_15 AND right(t, 3) = '000') AS is_placeholder
    FROM measured
),
formed AS (
    -- Which document it is, by form; the declared kind decides only where forms coincide.
    SELECT *,
        t = '' AND regexp_full_match(text, '[\s\x{00A0}\x{3000}]*') AS is_blank,
        CASE
            WHEN is_blank THEN NULL
            WHEN is_placeholder THEN coalesce(declared_kind, 'unknown')
            WHEN is_disability_card THEN 'disability_card'
            WHEN is_18 AND left(t, 6) IN ('810000', '820000', '830000') THEN 'hmt_residence_permit'
            WHEN is_18 AND left(t, 1) = '9' THEN CASE WHEN check_holds THEN 'foreign_permanent_resident' ELSE coalesce(declared_kind, 'unknown') END
            WHEN is_18 OR is_15 OR is_masked THEN 'resident_id'
            WHEN regexp_full_match(t, '[A-Z]{3}[0-9]{12}') AND left(t, 3) IN (SELECT alpha3 FROM known_countries) THEN 'foreign_permanent_resident_old'
            WHEN declared_kind = 'passport' AND regexp_full_match(t, '[A-Z0-9]{6,12}') THEN 'passport'
            WHEN regexp_full_match(t, '[HM][0-9]{8}([0-9]{2})?') THEN 'hm_travel_permit'
            WHEN regexp_full_match(t, '[A-Z][0-9]{9}') THEN 'birth_certificate'
            WHEN regexp_full_match(t, '[A-Z][0-9]{8}|[A-Z]{2}[0-9]{7}') THEN 'passport'
            WHEN regexp_full_match(t, '[0-9]{8}') AND (declared_kind = 'tw_travel_permit' OR NOT possible_birth(real_date(t), $night)) THEN 'tw_travel_permit'
            WHEN declared_kind = 'tw_travel_permit' AND regexp_full_match(t, '[0-9]{10}[A-Z]?') THEN 'tw_travel_permit'
            -- A lost or doubled digit. 17 digits look like a health file number too: only a declared kind can tell.
            WHEN regexp_full_match(t, '[0-9]{15,18}[0-9X]') AND declared_kind IS DISTINCT FROM 'health_file_number' THEN 'resident_id'
            ELSE coalesce(declared_kind, 'unknown')
        END AS kind
    FROM damaged
),
graded AS (
    SELECT *,
        CASE
            WHEN is_blank THEN NULL
            WHEN is_placeholder THEN 'X'
            WHEN is_damaged OR is_masked THEN 'E'
            WHEN is_18 AND check_holds AND possible_birth(day, $night) THEN
                CASE WHEN CASE kind WHEN 'hmt_residence_permit' THEN true
                                    WHEN 'foreign_permanent_resident' THEN substr(t, 4, 3) IN (SELECT numeric3 FROM known_countries)
                                    ELSE left(t, 6) IN (SELECT code FROM known_areas) END
                THEN 'A' ELSE 'B' END
            WHEN is_18 THEN 'F'
            WHEN is_15 THEN CASE WHEN possible_birth(day, $night) THEN 'D' ELSE 'F' END
            WHEN kind IN ('foreign_permanent_resident_old', 'passport', 'hm_travel_permit', 'birth_certificate', 'tw_travel_permit', 'health_file_number')
                 AND NOT (kind = 'passport' AND NOT regexp_full_match(t, '[A-Z0-9]{6,12}'))
                 AND NOT (kind = 'tw_travel_permit' AND NOT regexp_full_match(t, '[0-9]{8}|[0-9]{10}[A-Z]?'))
                 AND NOT (kind = 'hm_travel_permit' AND NOT regexp_full_match(t, '[HM][0-9]{8}([0-9]{2})?'))
                 AND NOT (kind = 'birth_certificate' AND NOT regexp_full_match(t, '[A-Z][0-9]{9}'))
                 AND NOT (kind = 'health_file_number' AND NOT regexp_full_match(t, '[0-9]{17}'))
                 AND NOT (kind = 'foreign_permanent_resident_old' AND NOT regexp_full_match(t, '[A-Z]{3}[0-9]{12}')) THEN 'A'
            ELSE 'F'
        END AS grade
    FROM formed
),
patterned AS (
    SELECT * EXCLUDE (grade),
        CASE
            WHEN grade <> 'E' THEN NULL
            -- Number cells keep 15 digits; a value that came through binary arithmetic is rounded back to them first.
            WHEN is_damaged AND significant_digits = 15 AND right(t, 1) <> 'X' THEN
                CAST((TRY_CAST(t AS BIGINT) + 500) // 1000 AS VARCHAR) || '___'
            WHEN is_damaged THEN rpad(left(t, least(significant_digits, 15)), 18, '_')
            WHEN n = 18 THEN replace(t, '*', '_')
            WHEN n = 15 AND strpos(left(t, 6), '*') = 0 THEN left(t, 6) || '19' || replace(substr(t, 7), '*', '_') || '_'
            -- One run of * of any length stands for whatever is hidden.
            WHEN regexp_full_match(t, '[0-9X]*\*+[0-9X]*') AND length(replace(t, '*', '')) < 18 THEN
                split_part(t, '*', 1) || repeat('_', 18 - length(replace(t, '*', ''))) || regexp_extract(t, '[0-9X]*$')
        END AS pattern,
        -- Several runs of * leave no place for the digits between them.
        CASE WHEN grade = 'E' AND pattern IS NULL THEN 'F' ELSE grade END AS grade
    FROM graded
)
SELECT text, from_number_cell, declared_kind, kind, grade,
    CASE
        WHEN grade IN ('A', 'B') THEN t
        WHEN grade = 'D' THEN CAST(digits17 AS VARCHAR) || expected_check
    END AS number,
    CASE WHEN grade = 'E' THEN pattern WHEN grade = 'F' THEN nullif(left(t, 40), '') END AS partial,
    CASE
        WHEN grade IN ('A', 'B', 'D') THEN day
        WHEN grade = 'E' AND possible_birth(real_date(substr(pattern, 7, 8)), $night) THEN real_date(substr(pattern, 7, 8))
    END AS birth_date,
    CASE
        WHEN grade IN ('A', 'B') AND is_18 THEN sex_of_digit(substr(t, 17, 1))
        WHEN grade = 'D' THEN sex_of_digit(substr(t, 15, 1))
        WHEN grade = 'E' THEN sex_of_digit(substr(pattern, 17, 1))
    END AS sex,
    CASE
        WHEN kind NOT IN ('resident_id', 'disability_card', 'hmt_residence_permit') THEN NULL
        WHEN grade IN ('A', 'B', 'D') THEN left(t, 6)
        WHEN grade = 'E' AND strpos(left(pattern, 6), '_') = 0 THEN left(pattern, 6)
    END AS area_code,
    disability_kind, disability_level
FROM patterned;
