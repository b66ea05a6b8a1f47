-- What time it is here, and what this server says of itself.
return { now, call('INFO', 'server') }
