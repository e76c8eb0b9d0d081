a = {
  b = 1
}
c = <<EOT
x
EOT
