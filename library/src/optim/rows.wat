;; The passes over a table's rows that embedding-table.ts runs, four float32 at a time. All pointers are byte
;; offsets into one memory and $width is in bytes, a multiple of 16. Of a batch (RowBatch in sparse-rows.ts):
;; $rows, $bags and $starts are int32, $weights float32, $vectors [bags, width] float32.
;; After a change: node library/src/optim/rows-assemble.ts
(module
  (import "host" "memory" (memory 1))

  ;; vectors[bag] += weights[bag] * values[row] for every row of the batch and every bag that it lies in.
  (func (export "bagMeans")
    (param $values i32) (param $vectors i32) (param $rows i32) (param $count i32)
    (param $bags i32) (param $starts i32) (param $weights i32) (param $width i32)
    (local $place i32) (local $row i32) (local $at i32) (local $end i32)
    (local $from i32) (local $to i32) (local $stop i32) (local $weight v128)
    (block $done (loop $nextRow
      (br_if $done (i32.ge_u (local.get $place) (local.get $count)))
      (local.set $row (i32.add (local.get $values) (i32.mul (local.get $width)
        (i32.load (i32.add (local.get $rows) (i32.shl (local.get $place) (i32.const 2)))))))
      ;; $at and $end are addresses in $bags.
      (local.set $end (i32.add (local.get $starts) (i32.shl (local.get $place) (i32.const 2))))
      (local.set $at (i32.add (local.get $bags) (i32.shl (i32.load (local.get $end)) (i32.const 2))))
      (local.set $end (i32.add (local.get $bags)
        (i32.shl (i32.load offset=4 (local.get $end)) (i32.const 2))))
      (loop $nextBag
        (local.set $weight (v128.load32_splat (i32.add (local.get $weights)
          (i32.shl (i32.load (local.get $at)) (i32.const 2)))))
        (local.set $to (i32.add (local.get $vectors)
          (i32.mul (i32.load (local.get $at)) (local.get $width))))
        (local.set $from (local.get $row))
        (local.set $stop (i32.add (local.get $row) (local.get $width)))
        (loop $next
          (v128.store (local.get $to) (f32x4.add (v128.load (local.get $to))
            (f32x4.mul (local.get $weight) (v128.load (local.get $from)))))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (br_if $next (i32.lt_u
            (local.tee $from (i32.add (local.get $from) (i32.const 16))) (local.get $stop))))
        (br_if $nextBag (i32.lt_u
          (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
      (local.set $place (i32.add (local.get $place) (i32.const 1)))
      (br $nextRow))))

  ;; For every row of the batch, g = the sum of weights[bag] * vectors[bag] over its bags, and then
  ;; mean = beta1 mean + g, square = beta2 square + g g, value -= size mean / (sqrt(square) + floor).
  (func (export "lazyAdam")
    (param $values i32) (param $mean i32) (param $square i32)
    (param $vectors i32) (param $rows i32) (param $count i32)
    (param $bags i32) (param $starts i32) (param $weights i32) (param $width i32)
    (param $beta1 f32) (param $beta2 f32) (param $size f32) (param $floor f32)
    (local $place i32) (local $row i32) (local $first i32) (local $at i32) (local $end i32)
    (local $k i32) (local $to i32) (local $g v128) (local $m v128) (local $v v128)
    (block $done (loop $nextRow
      (br_if $done (i32.ge_u (local.get $place) (local.get $count)))
      (local.set $row (i32.mul (local.get $width)
        (i32.load (i32.add (local.get $rows) (i32.shl (local.get $place) (i32.const 2))))))
      ;; $first, $at and $end are addresses in $bags.
      (local.set $end (i32.add (local.get $starts) (i32.shl (local.get $place) (i32.const 2))))
      (local.set $first (i32.add (local.get $bags) (i32.shl (i32.load (local.get $end)) (i32.const 2))))
      (local.set $end (i32.add (local.get $bags)
        (i32.shl (i32.load offset=4 (local.get $end)) (i32.const 2))))
      (local.set $k (i32.const 0))
      (loop $next
        (local.set $g (v128.const f32x4 0 0 0 0))
        (local.set $at (local.get $first))
        (loop $nextBag
          (local.set $g (f32x4.add (local.get $g) (f32x4.mul
            (v128.load32_splat (i32.add (local.get $weights)
              (i32.shl (i32.load (local.get $at)) (i32.const 2))))
            (v128.load (i32.add (local.get $vectors) (i32.add (local.get $k)
              (i32.mul (i32.load (local.get $at)) (local.get $width))))))))
          (br_if $nextBag (i32.lt_u
            (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
        (local.set $to (i32.add (local.get $mean) (i32.add (local.get $row) (local.get $k))))
        (local.set $m (f32x4.add (local.get $g)
          (f32x4.mul (f32x4.splat (local.get $beta1)) (v128.load (local.get $to)))))
        (v128.store (local.get $to) (local.get $m))
        (local.set $to (i32.add (local.get $square) (i32.add (local.get $row) (local.get $k))))
        (local.set $v (f32x4.add (f32x4.mul (local.get $g) (local.get $g))
          (f32x4.mul (f32x4.splat (local.get $beta2)) (v128.load (local.get $to)))))
        (v128.store (local.get $to) (local.get $v))
        (local.set $to (i32.add (local.get $values) (i32.add (local.get $row) (local.get $k))))
        (v128.store (local.get $to) (f32x4.sub (v128.load (local.get $to)) (f32x4.div
          (f32x4.mul (f32x4.splat (local.get $size)) (local.get $m))
          (f32x4.add (f32x4.sqrt (local.get $v)) (f32x4.splat (local.get $floor))))))
        (br_if $next (i32.lt_u
          (local.tee $k (i32.add (local.get $k) (i32.const 16))) (local.get $width))))
      (local.set $place (i32.add (local.get $place) (i32.const 1)))
      (br $nextRow)))))
