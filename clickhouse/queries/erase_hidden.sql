-- First the mentions: while their tombstones are there, none of them is shown.
ALTER TABLE {table:Identifier} DELETE WHERE is_deleted = 0 AND post_id IN {posts:Array(String)}
