-- Each distinct day whose year, month and day also exist in the farmers' calendar, and the solar day it then means.
CREATE OR REPLACE TEMP TABLE lunar_dates AS
SELECT given.day, m.first_day + CAST(dayofmonth(given.day) - 1 AS INTEGER) AS solar_day
FROM (SELECT DISTINCT day FROM parsed_dates WHERE fineness = 'day') AS given
JOIN lunar_months AS m ON m.year = year(given.day) AND m.month = month(given.day) AND dayofmonth(given.day) <= m.days;
