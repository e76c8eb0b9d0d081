a = <<-EOT
	  x
   y
 
   z
   EOT
b = [<<-E
  1
  E
  , 2]
