;; Grows a table by more than a plugin may have, when it is instantiated.
(module
  (table $hoard 1 funcref)
  (func $start
    (drop (table.grow $hoard (ref.null func) (i32.const 40000))))
  (start $start))
