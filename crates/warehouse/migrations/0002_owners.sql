-- What a role owns is counted and paged through without reading the objects. Takes less than a second for a hundred
-- thousand users; writes wait for it.
CREATE INDEX users_by_owner ON users (owner_id, id);
CREATE INDEX roles_by_owner ON roles (owner_id, id);
