# The reports of `spanloom eval --json`, each with its corpus and what was learnt from, as a Markdown table: micro-F1 in percent
# with its interval; below it the difference from the first system with its interval, and the greater of the two p-values.
def round(digits): pow(10; digits) as $unit | (. * $unit + 0.5 | floor) / $unit;
def fixed(digits):
  (if . < 0 then "−" else "" end) as $sign | fabs | round(digits) | tostring | split(".")
  | $sign + .[0] + "." + ((.[1] // "") + "0000")[:digits];
def percent: . * 100 | fixed(1);
def signed: if . < 0 then percent else "+" + percent end;
def p_value: [.p_bootstrap, .p_randomisation] | max | if . < 0.0005 then "<0.001" else fixed(3) end;
def difference: if . == null then "" else "<br>" + (.value | signed) + " [\(.low | signed), \(.high | signed)], p " + p_value end;
def cell:
  if . == null then ""
  else (.intervals.micro.f1 | "\(.value | percent) [\(.low | percent), \(.high | percent)]") + (.differences.micro.f1 | difference)
  end;
def row: "| " + join(" | ") + " |";
(map(.systems | map(.name)) | max_by(length)) as $names
| (["corpus", "learnt from", "sentences", "entities"] + $names | row),
  (["---", "---", "---:", "---:"] + ($names | map("---:")) | row),
  (.[] | . as $report
    | [.corpus, .learnt, (.documents | tostring), (.gold | tostring)]
      + [$names[] as $name | [$report.systems[] | select(.name == $name)][0] | cell]
    | row)
