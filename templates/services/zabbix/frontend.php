<?php
// The frontend's way to the database: from the container's variables.
$DB['TYPE'] = 'POSTGRESQL';
$DB['SERVER'] = getenv('DATABASE_HOST');
$DB['PORT'] = '0';
$DB['DATABASE'] = getenv('DATABASE_NAME');
$DB['USER'] = getenv('DATABASE_USER');
$DB['PASSWORD'] = getenv('DATABASE_PASSWORD');
$DB['SCHEMA'] = '';
$DB['ENCRYPTION'] = false;
$DB['KEY_FILE'] = '';
$DB['CERT_FILE'] = '';
$DB['CA_FILE'] = '';
$DB['VERIFY_HOST'] = false;
$DB['CIPHER_LIST'] = '';
$DB['VAULT_URL'] = '';
$DB['VAULT_DB_PATH'] = '';
$DB['VAULT_TOKEN'] = '';
$DB['DOUBLE_IEEE754'] = true;
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = '10051';
$ZBX_SERVER_NAME = '';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
