;; Three memories of 12.5 MiB each: none of them is more than a plugin may have, all of them are.
(module
  (memory 200)
  (memory 200)
  (memory 200))
