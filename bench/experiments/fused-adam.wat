(module
 (import "host" "memory" (memory 1))
 ;; One pass over n bytes (a multiple of 16) of parameters p, moments m and v, gradient g, 4 floats at a time.
 (func (export "adam") (param $p i32) (param $m i32) (param $v i32) (param $g i32) (param $n i32)
   (param $beta1 f32) (param $beta2 f32) (param $size f32) (param $floor f32)
   (local $i i32) (local $gi v128) (local $mi v128) (local $vi v128)
   (loop $next
     (local.set $gi (v128.load (i32.add (local.get $g) (local.get $i))))
     (local.set $mi (f32x4.add
       (f32x4.mul (v128.load (i32.add (local.get $m) (local.get $i))) (f32x4.splat (local.get $beta1)))
       (local.get $gi)))
     (local.set $vi (f32x4.add
       (f32x4.mul (v128.load (i32.add (local.get $v) (local.get $i))) (f32x4.splat (local.get $beta2)))
       (f32x4.mul (local.get $gi) (local.get $gi))))
     (v128.store (i32.add (local.get $m) (local.get $i)) (local.get $mi))
     (v128.store (i32.add (local.get $v) (local.get $i)) (local.get $vi))
     (v128.store (i32.add (local.get $p) (local.get $i)) (f32x4.sub
       (v128.load (i32.add (local.get $p) (local.get $i)))
       (f32x4.mul (f32x4.splat (local.get $size)) (f32x4.div (local.get $mi)
         (f32x4.add (f32x4.sqrt (local.get $vi)) (f32x4.splat (local.get $floor)))))))
     (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $n)))))
 ;; Adds row (t / length) of rows, times scale, to row ids[t] of table, for t in [0, count); width in bytes.
 (func (export "scatter") (param $table i32) (param $rows i32) (param $ids i32) (param $count i32)
   (param $length i32) (param $width i32) (param $scale f32)
   (local $t i32) (local $to i32) (local $from i32) (local $end i32)
   (loop $token
     (local.set $to (i32.add (local.get $table) (i32.mul (local.get $width)
       (i32.load (i32.add (local.get $ids) (i32.shl (local.get $t) (i32.const 2)))))))
     (local.set $from (i32.add (local.get $rows) (i32.mul (local.get $width)
       (i32.div_u (local.get $t) (local.get $length)))))
     (local.set $end (i32.add (local.get $from) (local.get $width)))
     (loop $next
       (v128.store (local.get $to) (f32x4.add (v128.load (local.get $to))
         (f32x4.mul (v128.load (local.get $from)) (f32x4.splat (local.get $scale)))))
       (local.set $to (i32.add (local.get $to) (i32.const 16)))
       (br_if $next (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 16))) (local.get $end))))
     (br_if $token (i32.lt_u (local.tee $t (i32.add (local.get $t) (i32.const 1))) (local.get $count))))))