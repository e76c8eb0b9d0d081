a = <<EOT
  x
 y

EOT
b = <<EOT
EOT
