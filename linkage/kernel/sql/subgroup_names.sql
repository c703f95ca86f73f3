-- Subgroups of residents that are looked at apart, in the order of the report.
CREATE OR REPLACE TEMP TABLE subgroup_names AS
SELECT * FROM (VALUES
    (0, 'all', '全部', 'all'),
    (1, 'minority', '少数民族', 'minority'),
    (2, 'under_1', '未满1岁', 'under 1'),
    (3, 'over_80', '80岁以上', 'over 80'),
    (4, 'around_twins', '双胞胎之家', 'around twins'),
    (5, 'migrant', '外来人口', 'migrants'),
    (6, 'foreign', '境外人员', 'foreigners'),
    (7, 'without_number', '无证件号码', 'without a number'),
    (8, 'lives_elsewhere', '人户分离', 'lives away from hukou')
) t(position, subgroup, zh, en);
