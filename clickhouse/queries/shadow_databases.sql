-- The shadow databases of a database.
SELECT name
FROM system.databases
WHERE startsWith(name, {prefix:String})
ORDER BY name
