-- How many rows of a table are about some posts, hidden ones included.
SELECT count() AS found FROM {table:Identifier} WHERE post_id IN {posts:Array(String)}
