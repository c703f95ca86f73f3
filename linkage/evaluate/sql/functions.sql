-- The dwelling an address names, however much stands before it: estate, building, unit, room, or village group and number.
CREATE OR REPLACE TEMP MACRO dwelling(address) AS
    regexp_extract(regexp_replace(address, '栋|号楼', '幢', 'g'), '([^0-9省市区县号街道社镇乡]+[0-9]+(幢[0-9]+单元[0-9]+|组[0-9]+)|[^0-9省市号]{2,}区[0-9]+幢[0-9]+单元[0-9]+)', 1);
