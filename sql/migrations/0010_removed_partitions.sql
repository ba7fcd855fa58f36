-- Which keys a dynamic partitioning has no longer, and since when: told by the log alone, where they are few.
create index event_log_removed on assets.event_log (position) where tag = 'PartitionsRemoved';
