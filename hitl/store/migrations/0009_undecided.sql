-- Who comes or goes has every undecided review looked at, in batches by id.
create index reviews_undecided on reviews (review_id) where status in ('open', 'blocked');
