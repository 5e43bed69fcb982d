ALTER TABLE {table:Identifier} DELETE WHERE post_id IN {posts:Array(String)}
