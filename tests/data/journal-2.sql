-- The second schema: where an item comes from, and what was found complete. Never edited: upgrades are tested from it.
CREATE TABLE "artifacts" ("id" INTEGER NOT NULL PRIMARY KEY, "item_id" VARCHAR(255) NOT NULL, "stage" VARCHAR(255) NOT NULL, "fingerprint" VARCHAR(255) NOT NULL, "digest" VARCHAR(255) NOT NULL, "made_at" REAL NOT NULL, "seconds" REAL);
CREATE INDEX "artifactrow_item_id" ON "artifacts" ("item_id");
CREATE UNIQUE INDEX "artifactrow_item_id_stage_fingerprint" ON "artifacts" ("item_id", "stage", "fingerprint");
CREATE TABLE "attempts" ("id" INTEGER NOT NULL PRIMARY KEY, "item_id" VARCHAR(255) NOT NULL, "stage" VARCHAR(255) NOT NULL, "fingerprint" VARCHAR(255) NOT NULL, "part" VARCHAR(255) NOT NULL, "kind" VARCHAR(255) NOT NULL, "sentence" TEXT NOT NULL, "stderr" TEXT NOT NULL, "at" REAL NOT NULL, "forgiven" INTEGER NOT NULL);
CREATE INDEX "attemptrow_item_id" ON "attempts" ("item_id");
CREATE TABLE "items" ("id" VARCHAR(255) NOT NULL PRIMARY KEY, "title" TEXT NOT NULL, "slug" VARCHAR(255) NOT NULL, "inbox" VARCHAR(255) NOT NULL, "original" BLOB NOT NULL, "digest" VARCHAR(255) NOT NULL, "size_bytes" INTEGER NOT NULL, "accepted_at" REAL NOT NULL, "source" TEXT);
CREATE UNIQUE INDEX "itemrow_slug" ON "items" ("slug");
CREATE INDEX "itemrow_digest" ON "items" ("digest");
CREATE INDEX "itemrow_accepted_at" ON "items" ("accepted_at");
CREATE TABLE "sightings" ("id" INTEGER NOT NULL PRIMARY KEY, "path" BLOB NOT NULL, "inbox" VARCHAR(255) NOT NULL, "why" TEXT NOT NULL, "at" REAL NOT NULL);
CREATE UNIQUE INDEX "sightingrow_path" ON "sightings" ("path");
CREATE TABLE "verified" ("item_id" VARCHAR(255) NOT NULL PRIMARY KEY, "mark" TEXT NOT NULL, "ready_at" REAL);
PRAGMA user_version = 2;
INSERT INTO items VALUES ('00aa', 'A film', 'a-film-00aa', 'main', x'303061612f66696c6d2e6d7034', 'd1', 123, 1e9, NULL);
INSERT INTO attempts VALUES (1, '00aa', 'hls', 'f1', 'video-0001', 'ToolFailed', 'It failed.', 'last line', 1e9, 0);
INSERT INTO verified VALUES ('00aa', 'm1', 1e9);
