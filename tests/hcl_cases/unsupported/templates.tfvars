a = "${1}"
b = "x %{ if true }${"y"}%{ endif } z"
c = <<EOT
${d}
EOT
