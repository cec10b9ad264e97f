from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0040_a_webhook_is_taken_back'),
    ]

    operations = [
        migrations.AddField(
            model_name='foundlisting',
            name='delivery',
            field=models.CharField(blank=True, choices=[('mobile_transfer', 'transferred in a ticket app'), ('barcode', 'barcodes'), ('pdf', 'PDF files'), ('qr_code', 'pictures of codes'), ('paper', 'paper')], max_length=20),
        ),
    ]
