;; A core instance with nothing in it.
(module)
