-- Are some residents linked worse than others? Persons known to one record only, and confidence, by subgroup. $night
CREATE OR REPLACE TEMP TABLE subgroup_measures AS
WITH tagged AS (
    SELECT *, unnest(list_filter([
        struct_pack(position := 0, zh := '全部', en := 'all', ok := true),
        struct_pack(position := 1, zh := '少数民族', en := 'minority', ok := ethnicity <> '01'),
        struct_pack(position := 2, zh := '未满1岁', en := 'under 1', ok := birth_date > CAST($night AS DATE) - INTERVAL 1 YEAR),
        struct_pack(position := 3, zh := '80岁以上', en := 'over 80', ok := birth_date <= CAST($night AS DATE) - INTERVAL 80 YEAR),
        struct_pack(position := 4, zh := '无有效号码', en := 'without a number', ok := identity_number IS NULL),
        struct_pack(position := 5, zh := '非本地户籍', en := 'no hukou here', ok := household_number IS NULL),
        struct_pack(position := 6, zh := '境外人员', en := 'foreign documents', ok := identity_kind IS NOT NULL AND identity_kind <> 'resident_id'),
        struct_pack(position := 7, zh := '人户分离', en := 'lives away from hukou', ok := household_number IS NOT NULL AND hukou_address <> residence_address)
    ], lambda g: g.ok)) AS subgroup FROM persons WHERE status = 'alive'
)
SELECT subgroup.position AS position, subgroup.zh AS zh, subgroup.en AS en, count(*) AS persons, avg(records) AS records_per_person,
       count(*) FILTER (records = 1) / count(*) AS single_share, avg(confidence) AS confidence, count(*) FILTER (confidence < 0.99) / count(*) AS doubtful_share
FROM tagged GROUP BY ALL;
